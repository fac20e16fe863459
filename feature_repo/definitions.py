"""What `feast apply` reads: it runs this file and takes the Feast objects that it finds by name.

The home is ONRAMP_HOME, else `../.onramp` beside this folder. For another home, or for stores on
servers, name the configuration as well: FEAST_FS_YAML_FILE_PATH=<home>/feast/feature_store.yaml.
"""

from __future__ import annotations

import os
from pathlib import Path

from feature_repo.derive import derive
from lifecycle.home import open_home
from tasks import supported

# The sources must fit the configuration that Feast reads, whether or not a setting names it too.
_stores = os.environ.get("FEAST_FS_YAML_FILE_PATH")
_home = open_home(
    Path(os.environ.get("ONRAMP_HOME") or Path(__file__).resolve().parents[1] / ".onramp"),
    stores=Path(_stores) if _stores else None,
)
# Feast makes its databases, not their folder.
_home.feast.mkdir(parents=True, exist_ok=True)
_repo = derive(_home, supported(_home.dataset()))

customer = _repo.customer

# Feast looks for objects among a module's names, and how many there are is data.
globals().update({_view.name: _view for _view in _repo.views})
globals().update({f"service_{_service.name}": _service for _service in _repo.services})
