package javax.servlet.http;

/** Stands for javax.servlet.http.HttpServletRequest: only what the plugin uses. */
public interface HttpServletRequest {
}
