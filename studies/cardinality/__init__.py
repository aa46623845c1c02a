"""More paths, or a wider middle? Five small networks at about equal cost; PROTOCOL.md says what is asked and how."""
