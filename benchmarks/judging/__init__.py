# SPDX-License-Identifier: Apache-2.0
"""The parts of benchmarks/quality: cuts, rivals, measures, sheets."""
