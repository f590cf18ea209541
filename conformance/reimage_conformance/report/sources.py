"""What the short keys of sources and origins stand for, in words for people; facts only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.model import Requirement

ORIGINS = {
    "SEED": "the page of the operation",
    "LINK": "a page that the operation's page links to",
    "LATER": "a later edition",
    "HTTP": "the HTTP standards",
    "XML": "the XML standards",
    "URI": "the URI standard",
    "WIRE": "recordings of the service",
    "CLIENT-OBS": "the source of published clients",
    "3RD": "third parties",
    "INFER": "deduced from the documents",
    "UNSPEC": "none, the documents are silent",
    "OWNER": "asked for by the owner of this suite",
}

SOURCES = {
    "S1": "Reimage Role Instance, October 2011",
    "S2": "Reimage Role Instance (gg441292)",
    "S3": "Reimage Role Instance, later edition",
    "S4": "Get Operation Status (ee460783)",
    "S5": "Tracking Asynchronous Requests (ee460791)",
    "S6": "Service Management Versioning (gg592580)",
    "S7": "Status and Error Codes (ee460801)",
    "S8": "Authenticating Requests (ee460782)",
    "S9": "REST API Reference (ee460799)",
    "S10": "Get Deployment (ee460804)",
    "S11": "Get Cloud Service Properties",
    "S12": "Reboot Role Instance (gg441298)",
    "S13": "Rebuild Role Instance (dn627518)",
    "S14": "Create Cloud Service (gg441304)",
    "S15": "List Subscription Operations (gg715318)",
    "S16": "RoleInstance.Id",
    "S17": "ManagementCertificate",
    "W1": "recorded exchanges, 2013 to 2017",
    "W2": "raw messages, 2012 to 2015",
    "W3": "session records of PowerShell tests",
    "W4": "recordings of March 2013",
    "C1": ".NET client",
    "C2": "Node client",
    "C3": "PHP client",
    "C4": "Ruby client",
    "C5": "Python client",
    "C6": "WCF contracts",
    "C7": "jclouds client",
    "C8": "PowerShell functional test",
    "C9": "Juju and gwacl clients",
    "B1": "manuals and articles of third parties",
    "H1": "RFC 9110",
    "H2": "RFC 9112",
    "H3": "RFC 6585",
    "H4": "RFC 3986",
    "H5": "RFC 2616",
    "X1": "XML 1.0",
    "X2": "Namespaces in XML",
    "X3": "RFC 7303",
    "T1": "RFC 8446 and RFC 5246",
}


def source_words(requirement: Requirement) -> str:
    """Where `requirement` comes from, in words."""
    origin = ORIGINS.get(requirement.origin, requirement.origin)
    named = "; ".join(SOURCES.get(key, "issue reports" if key.startswith("I") else key) for key in requirement.sources)
    return f"{origin} ({named})" if named else origin
