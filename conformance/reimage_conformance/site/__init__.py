"""The pages of the documentation site that are made from data: the requirements, the keys of a target file, what is not judged."""
