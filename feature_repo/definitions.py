"""What `feast apply` reads: it runs this file and takes the Feast objects that it finds by name.

The home is ONRAMP_HOME, else `../.onramp` beside this folder. For another home name its own
store as well: FEAST_FS_YAML_FILE_PATH=<home>/feast/feature_store.yaml.
"""

from __future__ import annotations

import os
from pathlib import Path

from feature_repo.derive import derive
from lifecycle.home import open_home
from tasks import supported

_home = open_home(
    Path(os.environ.get("ONRAMP_HOME") or Path(__file__).resolve().parents[1] / ".onramp")
)
# Feast makes its databases, not their folder.
_home.feast.mkdir(parents=True, exist_ok=True)
_repo = derive(_home, supported(_home.dataset()))

customer = _repo.customer
behaviour, profile = _repo.views

# Feast looks for objects among a module's names, and how many services there are is data.
globals().update({f"service_{_service.name}": _service for _service in _repo.services})
