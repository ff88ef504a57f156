"""The front of the house: home, the member's desk, training file, branch and committee pages. Reads many rooms, writes none."""
