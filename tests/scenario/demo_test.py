#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo's story holds."""
import unittest

import demo


class Demo(unittest.TestCase):
    def test_the_story_ends_with_three_equal_files(self):
        demo.main()


if __name__ == "__main__":
    unittest.main(verbosity=1)
