# SPDX-License-Identifier: Apache-2.0
"""The written contract: every operation, field, header and answer, as data. OpenAPI and /docs are made from it."""
