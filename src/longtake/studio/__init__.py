# SPDX-License-Identifier: Apache-2.0
"""The pages for people: choose the second by hand, watch the result. They stand on the same service as the API."""
