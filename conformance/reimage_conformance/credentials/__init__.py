"""Certificates, keys and passphrases of a target, in whatever form their files have; opens no connection.

Nothing is imported here, so that recognising a file needs neither cryptography nor lxml.
"""
