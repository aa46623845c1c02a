"""A second language from one catalogue: the English notebooks and pages stay the only source of code and outputs.

``markdown``, ``markup`` and ``scripts`` find the messages of a source and put translations in their places; ``pages``
knows which sources there are, ``catalogue`` reads and writes the .po files, ``rules`` compares a translation with its
English, ``edition`` makes notebooks and the site. locale/README.md tells how to work with it.
"""
