# SPDX-License-Identifier: Apache-2.0
"""Facts about models, apart from code that uses them."""
