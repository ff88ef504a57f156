"""`python -m school`: the command line."""

from school.cli import main

main()
