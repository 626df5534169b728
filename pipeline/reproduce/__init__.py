"""``nox -s reproduce``: builds one release in several *worlds*, and compares them byte for byte.

A world (``world.py``) is how one build is run: where, by whom, with which clock. A variation
(``variations.py``) changes a world in one respect, and names the fact (``facts.py``) that proves it
did: a fact is asked inside of the world, in the very process and containers that build. ``rooms.py``
makes a world real, ``builds.py`` builds in it through ``inside.py``, ``clock.py`` sets the clock and
puts it back, ``canaries.py`` lets a time stamp into a file to see that the comparison catches it,
``session.py`` decides what is built and whom to blame, ``report.py`` shows the result.
"""
