"""What a migration would do to the tables of one database: read from its statements, nothing is run."""

from .assess import DEFAULT_BIG, Assessment, Note, assess
from .catalog import Catalog
from .read_catalog import read_catalog
from .statements import Run, Script, Statement

__all__ = ["DEFAULT_BIG", "Assessment", "Catalog", "Note", "Run", "Script", "Statement", "assess", "read_catalog"]
