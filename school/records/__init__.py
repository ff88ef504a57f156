"""The study-hour ledger: play sessions, coverage, credit, entries, policies, year roll-ups. Every feature posts facts here."""
