"""A Dagger engine to build with: one that is there, one that the SDK provisions, or one built here.

``connect.py`` chooses and opens a session. The built engine is made by
``recipe.py`` (what it is made of), ``compile.py`` (the programs) and
``rootfs.py`` (the root it runs in), lives where ``home.py`` says, and is
started and stopped by ``process.py`` through ``launch.sh``; ``lease.py`` tells who uses it.
"""
