# SPDX-License-Identifier: Apache-2.0
"""One file for each wire dialect: parse into a Submission, render a Task. They never import each other."""
