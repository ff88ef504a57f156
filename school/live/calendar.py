"""A class as an iCalendar file for a phone's calendar, with a reminder. The only file that knows icalendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

REMIND = timedelta(minutes=15)
ICS = "text/calendar; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in the calendar. `uid` and `revision` let a changed class replace the one that was taken over before."""

    uid: str
    revision: int
    title: str
    starts_at: datetime
    minutes: int
    words: str
    address: str
    organiser: str
    written_at: datetime
    cancelled: bool = False


def write(entry: Entry) -> bytes:
    """The file; a text is escaped, so that a title is nothing but a title."""
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.revision)
    event.add("dtstamp", entry.written_at)
    event.add("dtstart", entry.starts_at)
    event.add("dtend", entry.starts_at + timedelta(minutes=entry.minutes))
    event.add("summary", entry.title)
    event.add("description", f"{entry.words}\n{entry.address}")
    event.add("location", entry.organiser)
    event.add("url", entry.address)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    if not entry.cancelled:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", entry.title)
        alarm.add("trigger", -REMIND)
        event.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", "-//party-school//live//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if entry.cancelled else "PUBLISH")
    calendar.add_component(event)
    data: bytes = calendar.to_ical()
    return data
