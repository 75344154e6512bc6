"""Songs to Parquet: finding, building, de-duplicating, splitting, sharding, checking."""
