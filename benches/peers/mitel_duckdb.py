#!/usr/bin/env python3
"""The ingest job in DuckDB: Mitel SMDR file(s) of extended digits to one zstd Parquet file. usage: mitel_duckdb.py OUT FILE...

What onhook works out beyond this is left out in the rival's favour: layout and year are given and not found, the zone is UTC, equal
lines are not told apart, nothing is rejected.
"""
import os
import sys
import time

import duckdb

out, files = sys.argv[1], sys.argv[2:]
con = duckdb.connect()
con.execute("set threads=2; set preserve_insertion_order=false")


def field(first, last):
    return f"rtrim(substr(line, {first}, {last - first + 1}))"


start = time.time()
con.execute(f"""
copy (
  with fields as (
    select hash(line) as leg_id, substr(line, 2, 11) as moment, {field(15, 24)} as held, {field(26, 32)} as calling, {field(35, 37)} as answer,
      {field(39, 64)} as digits, {field(65, 65)} as completion, {field(67, 73)} as called, {field(74, 74)} as transfer,
      {field(76, 82)} as third, {field(84, 95)} as account_code, {field(103, 112)} as ani, {field(114, 120)} as dnis
    from read_csv({files!r}, delim='\\x01', quote='', escape='', header=false, auto_detect=false, new_line='\\r\\n', columns={{'line': 'VARCHAR'}})
  ), figures as (
    select *, case when held = '' then null
        else cast(substr(held, 1, 4) as int) * 3600 + cast(substr(held, 6, 2) as int) * 60 + cast(substr(held, 9, 2) as int) end as held_s,
      case when calling like 'T%' and called like 'T%' then 'tandem' when calling like 'T%' then 'inbound' when called like 'T%' then 'outbound'
        else 'internal' end as direction,
      case when completion in ('B', 'O', 'D') then 'busy' when answer = '***' or (answer = '' and held = '') then 'no_answer' else 'answered' end as outcome,
      make_timestamp(2024, cast(substr(moment, 1, 2) as int), cast(substr(moment, 4, 2) as int), cast(substr(moment, 7, 2) as int),
        cast(substr(moment, 10, 2) as int), 0.0) as started_at,
      case when digits like '90%' then '+44' || substr(digits, 3) else digits end as dialled
    from fields
  )
  select leg_id, started_at, cast(started_at as date) as local_day, cast(hour(started_at) * 60 + minute(started_at) as smallint) as local_minute,
    case when outcome = 'no_answer' and (answer = '' or answer = '***') then held_s when answer in ('', '***') then null else cast(answer as int) end as ring_s,
    case when outcome = 'answered' then coalesce(held_s, 0) else 0 end as talk_s, direction, outcome,
    case when direction = 'inbound' then '+44' || ani else calling end as caller, dialled,
    case when direction = 'outbound' then dialled when third <> '' then third else called end as callee,
    case when third <> '' then called end as redirect_ext, case when transfer in ('T', 'X') then 'transfer' end as redirect_reason,
    case when calling like 'T%' then calling end as trunk_in, case when called like 'T%' then called end as trunk_out,
    case when account_code <> '' then account_code end as account_code, dnis, completion || transfer as vendor_kind
  from figures
) to '{out}' (format parquet, compression zstd)""")
took = time.time() - start
size = sum(os.path.getsize(f) for f in files)
print(f"duckdb {duckdb.__version__} {took:.2f} s {size / took / 1e6:.0f} MB/s {os.path.getsize(out)} bytes out")
