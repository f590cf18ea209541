"""Reports: results.json, junit.xml, summary.md, the HTML page and comparisons, made from assessments; judge nothing."""
