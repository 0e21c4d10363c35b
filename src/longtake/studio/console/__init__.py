# SPDX-License-Identifier: Apache-2.0
"""The operator's pages: what is at work, who makes it, what it costs, who may ask."""
