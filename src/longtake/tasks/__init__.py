# SPDX-License-Identifier: Apache-2.0
"""What happens to a request: plan, submit, schedule, run."""
