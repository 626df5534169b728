"""From a source tree to the artifacts of a release; the only part that knows Dagger."""
