"""The studio: a page on this machine where people look at a clip painted, choose, and start renders and trainings.

Read ``server`` first, which starts it, then ``app``, which lists what the server offers; ``routes`` holds the answers,
``web`` what all of them share: who may ask, how a request is read, how an error is reported.
"""
