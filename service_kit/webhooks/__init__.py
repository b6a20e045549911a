"""Telling other systems what happened: signed messages to addresses they registered (Standard Webhooks), with a log of every attempt.

``publish`` stores an event in the transaction of the change; the outbox fans it out to the registered endpoints and delivers it
afterwards, at least once. A receiver tells repetitions by ``webhook-id``.
"""
