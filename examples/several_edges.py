"""Six devices and two edge servers, of which neither can do all the work."""

from lyaopt import make_policy, simulate
from lyaopt.bounds import energy_bound
from lyaopt.model.edges import Edge
from lyaopt.model.system import Device, Service, System

CAPACITIES_HZ = 4e8, 2e8
SERVICE = Service("resnet18", arrival_rate_per_s=0.35)
DEVICES = tuple(Device(180.0, (SERVICE,), cpu_capacity_hz=1e6) for _ in range(6))
SYSTEM = System(DEVICES, edges=tuple(Edge(hz) for hz in CAPACITIES_HZ))


def main() -> None:
    """Print what each server does under some policies, and the bound."""
    work = float((SYSTEM.arrival_rate_per_s * SYSTEM.edge_cycles[:, 0]).sum())
    print(f"Load: {work / sum(CAPACITIES_HZ):.2f} of both servers")
    policies = {
        "nearest": make_policy("all-offload", SYSTEM),
        "halves": make_policy("all-offload,device-3@edge-1,device-4@edge-1,device-5@edge-1", SYSTEM),
        "4 to 2": make_policy("all-offload,device-4@edge-1,device-5@edge-1", SYSTEM),
        "price": make_policy("price", SYSTEM, waiting_cost_j_per_s=0.01, slots=10_000, replications=2),
    }
    for name, policy in policies.items():
        result = simulate(SYSTEM, policy, slots=50_000, warmup=5000, replications=8, seed=1)
        assert result.edges is not None
        loads = ", ".join(f"{load:.2f}" for load in result.edges.load.mean(axis=1))
        energy, latency = 1e3 * result.mean_energy_j, result.mean_latency_s
        print(
            f"{name}: loads {loads}; {latency:.2f} s, {energy:.3f} mJ a slot; "
            f"{result.queued} of {result.born} tasks wait"
        )
    print(f"LB1: {1e3 * energy_bound(SYSTEM).energy_j:.3f} mJ a slot")


if __name__ == "__main__":
    main()
