"""Charts of the report's page: functions from numbers to Vega-Lite specifications.

They are plain dictionaries: a test holds them to Vega-Lite's schema.
"""
