"""Reports: each a pure function of a `RunResult`, by the noun it writes.

    terminal   live lines, and a summary to act on          html     one page that works offline
    junit      XML as CI systems read it                    ctrf     JSON in the Common Test Report Format
    github     annotations and a step summary

All of them redact keys and secrets themselves (`redaction`), so that none can leave with a report.
"""
