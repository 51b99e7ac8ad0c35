"""What is shown of figures. Nothing here measures.

tables    columns in line, figures, how far something is
charts    pictures of series
remarks   why goals may be missed
goals     every goal of a run in one table, and under it those remarks
"""
