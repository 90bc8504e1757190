"""The answers that every interface gives, from one opened snapshot.

REST, SPARQL, the pages, the Reconciliation API, agents and the command line call
:class:`~mathgloss.answers.service.Answers` and nothing else, so they cannot disagree.
"""
