"""What Varve is to reach on the reference workloads at their full size, on two cores."""

# Workload: figure -> at most. Figures are those of measure.py.
FIGURES = {
    "devops": {"cpu_s_per_million": 0.12, "bytes_per_value": 0.36, "peak_memory_mb": 200,
               "restart_clean_s": 0.05, "restart_killed_s": 0.25},
    "two-decimals": {"cpu_s_per_million": 0.14, "bytes_per_value": 1.25},
    "iot": {"cpu_s_per_million": 0.13, "bytes_per_value": 0.45},
    "single": {"cpu_s_per_million": 0.25, "bytes_per_value": 1.1},
    "highcard": {"cpu_s_per_million": 1.2, "bytes_per_value": 45, "peak_memory_mb": 400,
                 "restart_clean_s": 0.15, "restart_killed_s": 1.0},
}

# Workload: query -> milliseconds of the server's CPU, at most.
QUERY_CPU_MS = {
    "devops": {"single-groupby-1-1-1": 0.15, "single-groupby-5-1-12": 0.4, "cpu-max-all-8": 0.7,
               "double-groupby-1": 9, "double-groupby-5": 30, "double-groupby-all": 55,
               "high-cpu-all": 70, "lastpoint": 6, "groupby-orderby-limit": 10, "count-field": 2},
    "iot": {"all-hourly": 60, "p99-floor-hourly": 60, "top-5": 40, "floor-week-hourly": 1,
            "count-all": 5},
    "highcard": {"mean-all": 600, "max-all": 600, "mean-by-district": 600},
}

# Workload: query -> megabytes of the server's memory while it is asked, at most.
QUERY_MEMORY_MB = {"highcard": {"mean-all": 600, "max-all": 600, "mean-by-district": 600}}
