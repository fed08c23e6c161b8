"""ns-3 and the solver in one process: an event solves one slot every 10 ms of simulated time.

    pip install ns3==3.44.post0        (an environment of its own: it takes half a gigabyte)
    python offload.py --lyaopt "$(command -v lyaopt)"

ns-3 moves four devices around an access point and computes the channel gains (log-distance path loss,
Nakagami fading) and the arrivals. The handler of the event is C++ that ns-3's Python bindings compile: it
reads the state, calls `lyaopt_solve_slot` of lyaopt.h, and updates the backlogs.
"""

import argparse
import json
import subprocess
from pathlib import Path

HANDLER = r"""
#include <lyaopt.h>
#include <algorithm>
#include <cmath>
#include <vector>
#include "ns3/core-module.h"
#include "ns3/mobility-module.h"
#include "ns3/propagation-module.h"

namespace offload {
using namespace ns3;
constexpr int DEVICES = 4, SERVICES = 2, ITEMS = DEVICES * SERVICES;
constexpr double TAU = 0.01, TASK_BITS = 1.2e6, TASK_CYCLES = 4.0e7, RATE = 0.4;

struct Cell {
    NodeContainer nodes;
    Ptr<PropagationLossModel> loss;
    Ptr<UniformRandomVariable> chance = CreateObject<UniformRandomVariable>();
    double local[ITEMS] = {}, transmit[ITEMS] = {}, edge[ITEMS] = {};
    double f[ITEMS] = {}, r[ITEMS] = {}, fe[ITEMS] = {};
    double cpu[DEVICES] = {}, power[DEVICES] = {}, gain[DEVICES] = {};
    std::vector<double> workspace = std::vector<double>(lyaopt_slot_workspace(DEVICES, SERVICES));
    double joules = 0, worst_gap = 0;
    long slots = 0, failed = 0;

    void observe()
    {
        Ptr<MobilityModel> point = nodes.Get(DEVICES)->GetObject<MobilityModel>();
        for (int m = 0; m < DEVICES; m++) {
            Ptr<MobilityModel> device = nodes.Get(m)->GetObject<MobilityModel>();
            gain[m] = std::pow(10.0, loss->CalcRxPower(0.0, device, point) / 10.0); // of 0 dBm sent
        }
    }

    void arrive()
    {
        for (int i = 0; i < ITEMS; i++)
            if (chance->GetValue() < RATE * TAU)
                (i < DEVICES ? local[i] += TASK_CYCLES : transmit[i] += TASK_BITS);
    }

    void slot()
    {
        observe();
        const double capacity[] = {1.5e9, 1.5e9, 1.5e9, 1.5e9}, most[] = {0.3, 0.3, 0.3, 0.3};
        const double width[] = {2.5e5, 2.5e5, 2.5e5, 2.5e5};
        const lyaopt_system system = {TAU, 1e-28, 1e17, 1e13, 20e9, 3.981071705534986e-21};
        const lyaopt_state state = {capacity, most, width, gain, local, transmit, edge};
        const lyaopt_allocation to = {f, r, fe, cpu, power};
        lyaopt_certificate proof;
        const int status = lyaopt_solve_slot(DEVICES, SERVICES, &system, &state, &to, &proof,
                                             workspace.data(), workspace.size());
        if (status == LYAOPT_OK) {
            worst_gap = std::max(worst_gap, proof.relative_gap);
            serve();
        } else {
            failed++;
        }
        arrive();
        slots++;
        Simulator::Schedule(Seconds(TAU), &Cell::slot, this);
    }

    void serve()
    {
        for (int i = 0; i < ITEMS; i++) {
            const double sent = std::min(transmit[i], r[i] * TAU);
            local[i] = std::max(0.0, local[i] - f[i] * TAU);
            transmit[i] -= sent;
            edge[i] = std::max(0.0, edge[i] - fe[i] * TAU) + sent * (TASK_CYCLES / TASK_BITS);
        }
        for (int m = 0; m < DEVICES; m++)
            joules += TAU * (1e-28 * cpu[m] * cpu[m] * cpu[m] + power[m]);
    }
};

Cell *cell = nullptr;

void prepare(unsigned seed)
{
    RngSeedManager::SetSeed(seed);
    cell = new Cell;
    cell->nodes.Create(DEVICES + 1);
    MobilityHelper walk, still;
    walk.SetPositionAllocator("ns3::RandomDiscPositionAllocator", "Rho",
                              StringValue("ns3::UniformRandomVariable[Min=150|Max=250]"));
    walk.SetMobilityModel("ns3::RandomWalk2dMobilityModel", "Bounds",
                          RectangleValue(Rectangle(-300, 300, -300, 300)));
    NodeContainer devices;
    for (int m = 0; m < DEVICES; m++)
        devices.Add(cell->nodes.Get(m));
    walk.Install(devices);
    still.Install(cell->nodes.Get(DEVICES));
    Ptr<LogDistancePropagationLossModel> distance = CreateObject<LogDistancePropagationLossModel>();
    distance->SetPathLossExponent(3.0);
    distance->SetReference(1.0, 31.7); // of free space at 915 MHz
    distance->SetNext(CreateObject<NakagamiPropagationLossModel>());
    cell->loss = distance;
    Simulator::Schedule(Seconds(0.0), &Cell::slot, cell);
}
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--lyaopt", default="lyaopt", help="the lyaopt command, which reports where the C library is"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="simulated time")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()

    from ns import ns

    info = json.loads(
        subprocess.run([given.lyaopt, "info", "--json"], check=True, capture_output=True).stdout
    )
    if info["c_library"] is None:
        parser.error(f"{given.lyaopt} has no C library: {info['why_no_c_library']}")
    library = Path(info["c_library"])
    ns.cppyy.add_include_path(str(library.parent))
    ns.cppyy.load_library(str(library))
    ns.cppyy.cppdef(HANDLER)

    offload = ns.cppyy.gbl.offload
    offload.prepare(given.seed)
    ns.Simulator.Stop(ns.Seconds(given.seconds))
    ns.Simulator.Run()
    cell = offload.cell
    print(f"{cell.slots} slots, {cell.failed} failed, largest relative gap {cell.worst_gap:.1e}")
    print(f"{1e3 * cell.joules / cell.slots:.4f} mJ a slot, {sum(cell.transmit) / 8e6:.3f} MB left to send")
    ns.Simulator.Destroy()


if __name__ == "__main__":
    main()
