# SPDX-License-Identifier: Apache-2.0
"""Which maker does a request."""
