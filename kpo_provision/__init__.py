"""kpo-provision: node pools and tenants for Airflow's KubernetesPodOperator, proven by a probe pod."""

__version__ = "0.1.0"
