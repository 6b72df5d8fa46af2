package javax.servlet;

/** Stands for javax.servlet.ServletException: only what the plugin uses. */
public class ServletException extends Exception {
    private static final long serialVersionUID = 1L;
}
