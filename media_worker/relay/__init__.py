"""The relay: takes a class's pictures and sound in by WHIP and forwards the packets to seats by WHEP without decoding."""
