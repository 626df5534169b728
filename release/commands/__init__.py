"""The commands of ``tesseral-release``: a module each, or one for a few that belong together."""
