"""The one door to the clouds' own APIs: only this package imports boto3 and Google's libraries. It only reads."""
