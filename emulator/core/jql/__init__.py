"""JQL: the query texts of uniCloud, and the schemas of its collections."""
