"""What a student needs, in one zip: the library, the notebooks to work in, the site to read, and a page that says how."""
