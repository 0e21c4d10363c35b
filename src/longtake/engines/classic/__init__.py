# SPDX-License-Identifier: Apache-2.0
"""The built-in engine `longtake-cpu`: classical continuation of real video and painted scenes, on CPU, no weights."""
