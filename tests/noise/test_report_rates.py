"""Every finding of the reports has measured rates."""

from __future__ import annotations

from benchmark.noise.report_rates import MEASURED, NAMES
from tasks.cxr_reports.findings import FINDINGS


def test_every_finding_of_the_reports_is_measured_and_every_name_leads_somewhere() -> None:
    assert {name.lower() for name in FINDINGS} == set(MEASURED["text"])
    everything = {finding for table in MEASURED.values() for finding in table}
    assert all(set(targets) <= everything for targets in NAMES.values())
