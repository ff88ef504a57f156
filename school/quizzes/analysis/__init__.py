"""The analysis of a quiz: item statistics, organisations, the workbook and the sheet."""
