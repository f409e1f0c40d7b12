#!/usr/bin/env python3
"""Asks the events of many recordings, in SQL.

    ask.py OUT [QUESTION.sql…]            # with DuckDB, on this machine
    ask.py --spark OUT [QUESTION.sql…]    # the same questions with Spark: spark-submit ask.py …
    ask.py --parquet DIR OUT              # write the tables to DIR as Parquet, to be asked faster

OUT is what verify.py has made. Without a question, all of questions/ are asked."""

import argparse
from pathlib import Path

# The tables, with the names and types that both engines have for what rr-dap says; what a recording
# does not tell is NULL. "end" is a word of SQL.
TABLES = {
    "events": {
        "recording": "VARCHAR", "event": "BIGINT", "depth": "BIGINT", "instance": "BIGINT", "name": "VARCHAR",
        "result": "VARCHAR", "answered": "BOOLEAN", "time": "VARCHAR", "durationNs": "BIGINT",
    },
    "requests": {
        "recording": "VARCHAR", "number": "BIGINT", "method": "VARCHAR", "target": "VARCHAR", "status": "BIGINT",
        "outcome": "VARCHAR", "error": "VARCHAR", "failed": "BOOLEAN", "start": "BIGINT", "end": "BIGINT",
        "time": "VARCHAR", "durationNs": "BIGINT", "hostcalls": "BIGINT", "outgoing": "BIGINT",
        "received": "BIGINT", "sent": "BIGINT",
    },
    "causes": {
        "recording": "VARCHAR", "cause": "VARCHAR", "told": "VARCHAR", "outcome": "VARCHAR", "position": "VARCHAR",
        "event": "BIGINT",
    },
    "verified": {
        "recording": "VARCHAR", "hash": "VARCHAR", "verified": "BOOLEAN", "status": "BIGINT", "error": "VARCHAR",
    },
}
RENAMED = {"start": "began_at", "end": "ended_at", "durationNs": "duration_ns"}


def selected(quote):
    """Of each table, the list of columns with names that need no quotes."""
    def column(name):
        return f"{quote}{name}{quote} AS {RENAMED[name]}" if name in RENAMED else name
    return {table: ", ".join(column(name) for name in columns) for table, columns in TABLES.items()}


def files(out, table):
    return str(Path(out) / table / ("*.json" if table == "verified" else "*.ndjson"))


def duckdb_tables(out):
    import duckdb

    database = duckdb.connect()
    # All times are UTC.
    database.execute("SET TimeZone = 'UTC'")
    for table, columns in selected('"').items():
        struct = ", ".join(f'"{name}": \'{kind}\'' for name, kind in TABLES[table].items())
        source = f"read_json('{files(out, table)}', format = 'newline_delimited', columns = {{{struct}}})"
        database.execute(f"CREATE VIEW {table} AS SELECT {columns} FROM {source}")
    return database


def ask_duckdb(out, questions):
    database = duckdb_tables(out)
    for question in questions:
        yield question, database.sql(question.read_text())


def write_parquet(out, directory):
    database = duckdb_tables(out)
    Path(directory).mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        database.execute(f"COPY {table} TO '{Path(directory) / table}.parquet' (FORMAT parquet)")


def ask_spark(out, questions):
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("recordings").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    types = {"VARCHAR": "STRING"}
    for table, columns in selected("`").items():
        schema = ", ".join(f"`{name}` {types.get(kind, kind)}" for name, kind in TABLES[table].items())
        read = spark.read.schema(schema).json(str(Path(out) / table))
        read.selectExpr(*columns.split(", ")).createOrReplaceTempView(table)
    for question in questions:
        yield question, spark.sql(question.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--parquet", metavar="DIR")
    parser.add_argument("out")
    parser.add_argument("questions", nargs="*", type=Path)
    given = parser.parse_args()
    if given.parquet:
        return write_parquet(given.out, given.parquet)
    questions = given.questions or sorted((Path(__file__).parent / "questions").glob("*.sql"))
    for question, answer in (ask_spark if given.spark else ask_duckdb)(given.out, questions):
        print(question.read_text().splitlines()[0])
        answer.show()


if __name__ == "__main__":
    main()
