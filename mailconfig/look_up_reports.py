"""What look-ups found, for the command line: for machines, and in lines for people."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from .detection import Detection
from .domain_check import DomainCheck
from .probing import Probe


def of_detection(found: Detection) -> dict[str, Any]:
    """Candidates that answered come first."""
    return {"candidates": [_of_probe(one) for one in found.candidates], "notes": [str(note) for note in found.notes]}


def _of_probe(probe: Probe) -> dict[str, Any]:
    candidate = probe.candidate
    return {
        "ok": probe.ok,
        "host": candidate.host,
        "port": candidate.port,
        "security": candidate.security,
        "source": candidate.source,
        "why": str(candidate.why),
        "username": candidate.username,
        "oauth": candidate.oauth,
        "mechanisms": list(probe.mechanisms),
        "failed_step": probe.failed_step,
        "detail": probe.detail,
        "milliseconds": round(probe.milliseconds, 1),
    }


def lines_of_detection(found: Detection) -> Iterator[str]:
    for one in found.candidates:
        way = f"{one.candidate.host}:{one.candidate.port} {one.candidate.security}"
        yield f"{'+' if one.ok else '-'} {way}: {one.candidate.why} {one.encryption if one.ok else one.detail}"
    yield from map(str, found.notes)


def of_check(check: DomainCheck) -> dict[str, Any]:
    findings = [
        {
            "topic": section.topic,
            "level": finding.level,
            "text": str(finding),
            "record": asdict(finding.record) if finding.record else None,
        }
        for section in check.sections
        for finding in section.findings
    ]
    return {"domain": check.domain, "ok": check.ok, "findings": findings}


def lines_of_check(check: DomainCheck) -> Iterator[str]:
    for section in check.sections:
        yield section.title
        for finding in section.findings:
            yield f"  {finding.level}: {finding}"
            if finding.record:
                yield f"    {finding.record.name} {finding.record.type} {finding.record.value}"
