# SPDX-License-Identifier: Apache-2.0
"""The wire: routes, keys, errors, files. Dialects translate."""
