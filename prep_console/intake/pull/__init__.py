"""Fetching deliveries from a server of the institute: SFTP and HTTPS, each in a child process."""
