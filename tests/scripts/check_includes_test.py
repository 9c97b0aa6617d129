"""scripts/check_includes.py over small trees."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from offline_package import SCRIPTS


def check(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        run = subprocess.run([sys.executable, str(SCRIPTS / "check_includes.py"), root],
                             stdout=subprocess.PIPE, text=True)
        return run.returncode, run.stdout.splitlines()


class CheckIncludesTest(unittest.TestCase):
    def test_downward_is_fine_through_several_folders(self):
        self.assertEqual(check({"src/server/openai/chat.cpp": '#include "base/result.h"\n#include "engine/engine.h"\n',
                                "apps/sovereign/main.cpp": '#include "config/load.h"\n#include "main.h"\n',
                                "src/engine/engine.h": '#include <boost/json.hpp>\n#include "engine/token.h"\n'}), (0, []))

    def test_upward_names_file_and_line(self):
        self.assertEqual(check({"src/engine/engine.cpp": '\n#include "server/router.h"\n'}),
                         (1, ["src/engine/engine.cpp:2: engine may not include server"]))

    def test_sideways_fails(self):
        self.assertEqual(check({"src/cache/key.h": '#include "crypto/digest.h"\n'})[0], 1)

    def test_unknown_folder_fails(self):
        status, lines = check({"src/helpers/more.h": ""})
        self.assertEqual(status, 1)
        self.assertIn("'helpers' is not in the order", lines[0])


if __name__ == "__main__":
    unittest.main()
