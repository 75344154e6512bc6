"""Dataset builds: find songs, process them, remove duplicates, split, pack into Parquet shards and verify."""
