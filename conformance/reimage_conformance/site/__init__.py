"""Pages and parts of pages of the documentation site that are generated: requirements, keys of a target file, what is not judged."""
