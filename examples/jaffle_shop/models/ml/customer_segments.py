"""Groups the customers by how often they order, how much they spend and how long ago they last came."""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

customers = ref("customers").sort_values("customer_id")
active = customers[customers["orders"] > 0].reset_index(drop=True)
print(f"{len(active)} of {len(customers)} customers have ordered")

features = active[["orders", "spent", "days_since_last_order"]].astype("float64")
features["per_order"] = features["spent"] / features["orders"]
scaled = StandardScaler().fit_transform(np.log1p(features))
found = KMeans(n_clusters=3, n_init=10, random_state=7).fit(scaled)

# The numbers of the clusters mean nothing, so the clusters are named by what sets them apart.
centres = features.groupby(found.labels_).mean()
feasters = centres["per_order"].idxmax()
regulars = centres["orders"].drop(feasters).idxmax()
names = {cluster: "occasional" for cluster in centres.index} | {feasters: "feaster", regulars: "regular"}

segments = active[["customer_id", "orders", "spent"]].assign(
    segment=[names[label] for label in found.labels_],
    distance=np.linalg.norm(scaled - found.cluster_centers_[found.labels_], axis=1).round(6),
)
write_to_model(segments)
