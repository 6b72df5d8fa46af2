package org.jivesoftware.openfire.cluster;

/** Stands for org.jivesoftware.openfire.cluster.ClusterManager: only what the plugin uses. */
public class ClusterManager {
    public static boolean isClusteringStarted() {
        throw new UnsupportedOperationException();
    }
}
